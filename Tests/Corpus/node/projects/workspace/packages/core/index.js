module.exports = (text) => require('semver').valid(text);
