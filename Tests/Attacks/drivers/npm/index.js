module.exports = "attack";
