const fs = require('fs');
const { minify } = require('uglify-js');

const { code, error } = minify(fs.readFileSync('src/index.js', 'utf8'));
if (error) throw error;
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/index.js', code + '\n');
