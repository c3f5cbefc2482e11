// Runs exported codecs for test_ts013.py: one JSON request per line, one JSON answer per line.
// The codecs run without anything that is younger than ECMAScript 5.1.
"use strict";
var readline = require("readline");
var vm = require("vm");

var AGE = [
  "var kept = 'Array Boolean Date Error EvalError Function Infinity JSON Math NaN Number Object RangeError ' +",
  "  'ReferenceError RegExp String SyntaxError TypeError URIError decodeURI decodeURIComponent encodeURI ' +",
  "  'encodeURIComponent eval isFinite isNaN parseFloat parseInt undefined escape unescape globalThis kept';",
  "Object.getOwnPropertyNames(this).forEach(function (name) {",
  "  if (kept.split(' ').indexOf(name) < 0) delete this[name];",
  "}, this);",
  "function keep(object, names) {",
  "  Object.getOwnPropertyNames(object).forEach(function (name) {",
  "    if (names.split(' ').indexOf(name) < 0 && name !== 'prototype') delete object[name];",
  "  });",
  "}",
  "keep(Math, 'E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 abs acos asin atan atan2 ceil cos exp floor log max min ' +",
  "  'pow random round sin sqrt tan');",
  "keep(Number, 'MAX_VALUE MIN_VALUE NaN NEGATIVE_INFINITY POSITIVE_INFINITY length name');",
  "keep(String, 'fromCharCode length name');",
  "keep(Array, 'isArray length name');",
  "keep(String.prototype, 'constructor toString valueOf charAt charCodeAt concat indexOf lastIndexOf ' +",
  "  'localeCompare match replace search slice split substring toLowerCase toUpperCase trim length');",
  "keep(Array.prototype, 'constructor toString concat join pop push reverse shift slice sort splice unshift ' +",
  "  'indexOf lastIndexOf every some forEach map filter reduce reduceRight length');",
  "keep(Object, 'create defineProperty defineProperties getOwnPropertyDescriptor getOwnPropertyNames ' +",
  "  'getPrototypeOf isExtensible isFrozen isSealed keys freeze seal preventExtensions length name');",
  "delete globalThis.keep; delete globalThis.kept; delete globalThis.globalThis;"
].join("\n");

// JSON has no NaN: a codec that lets one out must not be taken for one that says null.
function told(_, value) {
  if (typeof value === "number" && !isFinite(value)) return "not finite: " + value;
  return value === undefined ? "undefined" : value;
}

function answer(request) {
  var context = vm.createContext({}), before, made;
  vm.runInContext(AGE, context);
  before = Object.getOwnPropertyNames(context);
  vm.runInContext(request.source, context);
  made = Object.getOwnPropertyNames(context).filter(function (name) { return before.indexOf(name) < 0; });
  if (request.ask) return { made: made, answers: request.ask.map(function (text) { return vm.runInContext(text, context); }) };
  return {
    made: made,
    answers: request.uplinks.map(function (one) {
      var bytes = Array.prototype.slice.call(Buffer.from(one[1], "hex"));
      var input = { fPort: one[0], bytes: bytes };
      if (one[2] !== null) input.recvTime = new Date(one[2] * 1000);
      return context.decodeUplink(input);
    })
  };
}

readline.createInterface({ input: process.stdin, terminal: false }).on("line", function (line) {
  var result;
  try {
    result = answer(JSON.parse(line));
  } catch (error) {
    result = { failed: String(error && error.stack || error) };
  }
  process.stdout.write(JSON.stringify(result, told) + "\n");
});
