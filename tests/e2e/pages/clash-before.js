// A page that some bundler has prepared: the script must not take itself for a module.
var exports = {};
var module = { exports };
