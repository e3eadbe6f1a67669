#!/usr/bin/env node
console.log(`valid: ${require('@kettle-tests/core')(process.argv[2])}, red: ${require('colour-names').red}`);
