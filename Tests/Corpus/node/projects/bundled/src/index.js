'use strict';

const yaml = require('js-yaml');
const debug = require('debug')('bundled');

exports.keys = function keys(text) {
  const document = yaml.load(text);
  debug('%d keys', Object.keys(document).length);
  return Object.keys(document).sort();
};
