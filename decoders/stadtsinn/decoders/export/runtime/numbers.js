// Numbers of op tables, ported from arithmetic.py; JavaScript has doubles only.

// Four bytes as an unsigned number; bytes after the payload's end are 0.
function word(bytes, at, step) {
  return (bytes[at] || 0) * 16777216 + ((bytes[at + step] || 0) * 65536 +
    (bytes[at + 2 * step] || 0) * 256 + (bytes[at + 3 * step] || 0));
}

// Bits `left` to 64 - `right` + `left` of eight bytes. Both halves stay below 2^32, so that only the
// last addition rounds, as one conversion from a large whole number to a double does.
function extract(bytes, at, little, left, right, sign) {
  var high = word(bytes, little ? at + 7 : at, little ? -1 : 1);
  var low = word(bytes, little ? at + 3 : at + 4, little ? -1 : 1);
  var shift = right - left, width = 64 - right;
  if (shift >= 32) {
    low = high >>> (shift - 32);
    high = 0;
  } else if (shift > 0) {
    low = (high << (32 - shift) | low >>> shift) >>> 0;
    high = high >>> shift;
  }
  if (width <= 32) {
    high = 0;
    low = low % Math.pow(2, width);
    if (sign && low >= Math.pow(2, width - 1)) low -= Math.pow(2, width) - (sign === 2 ? 1 : 0);
  } else {
    high = high % Math.pow(2, width - 32);
    if (sign && high >= Math.pow(2, width - 33)) {
      high -= Math.pow(2, width - 32);
      low += sign === 2 ? 1 : 0;
    }
  }
  return high * 4294967296 + low;
}

function ieee(bits, exponentBits, fractionBits) {
  var size = Math.pow(2, fractionBits), most = Math.pow(2, exponentBits) - 1;
  var fraction = bits % size, exponent = Math.floor(bits / size) % (most + 1);
  var sign = bits >= size * (most + 1) ? -1 : 1, lowest = 1 - (most - 1) / 2 - fractionBits;
  if (exponent === most) return NaN;
  if (exponent === 0) return sign * fraction * Math.pow(2, lowest);
  return sign * (size + fraction) * Math.pow(2, lowest + exponent - 1);
}

function bcd(bits, width) {
  var number = 0, scale = 1;
  for (; width > 0; width -= 4) {
    if (bits % 16 > 9) return NaN;
    number += bits % 16 * scale;
    bits = Math.floor(bits / 16);
    scale *= 10;
  }
  return number;
}

function special(kind, bits, width) {
  var half = Math.pow(2, width - 1), swapped;
  switch (kind) {
    case 1: return bits >= half ? half - bits : bits; // sign and magnitude
    case 2: return bcd(bits, width);
    case 3: return ieee(bits, 8, 23);
    case 4: return ieee(bits, 5, 10);
  }
  swapped = ((bits & 65535) << 16 | bits >>> 16) >>> 0; // 16-bit words, the low one first
  return kind === 6 && swapped >= 2147483648 ? swapped - 4294967296 : swapped;
}

// A number as an integer; -1 if it is none.
function whole(value) {
  return value > -9007199254740992 && value < 9007199254740992 && value === Math.floor(value) ? value + 0 : -1;
}

function log10(a) { // ES5 has none
  var result = Math.log(a) / Math.LN10;
  if (Math.log10) return Math.log10(a);
  return Math.pow(10, Math.round(result)) === a ? Math.round(result) : result;
}

function power(a, b) { // of 1 and -1 JavaScript makes NaN where IEEE 754 makes 1
  if (b === 2) return a * a;
  if (b === 3) return a * a * a;
  return a === 1 || a === -1 && b === b && !isFinite(b) ? 1 : Math.pow(a, b);
}

// Arguments come from the stack (-2), the op itself (-1) or a register; the last is taken first.
function call(op, registers, stack) {
  var name = op[1], a = 0, b = 0, c, result;
  function argument(source, constant) {
    return source === -2 ? stack.pop() : source === -1 ? constant : registers[source];
  }
  if (name > 18) {
    c = stack.pop();
    b = stack.pop();
    a = stack.pop();
  } else if (name > 7) {
    c = argument(op[3], op[5]);
    b = argument(op[2], op[4]);
  } else {
    c = argument(op[2], op[4]);
  }
  switch (name) {
    case 0: result = -c; break;
    case 1: result = Math.abs(c); break;
    case 2: result = Math.floor(c); break;
    case 3: result = Math.sqrt(c); break;
    case 4: result = Math.log(c); break;
    case 5: result = log10(c); break;
    case 6: result = Math.exp(c); break;
    case 7: result = c === 0 ? 1 : 0; break;
    case 8: result = b + c; break;
    case 9: result = b - c; break;
    case 10: result = b * c; break;
    case 11: result = c === 0 ? NaN : b / c; break;
    case 12: result = power(b, c); break;
    case 13: result = b < c ? b : c; break;
    case 14: result = b > c ? b : c; break;
    case 15: result = b < c ? 1 : 0; break;
    case 16: result = b <= c ? 1 : 0; break;
    case 17: result = b === c ? 1 : 0; break;
    case 18: result = b !== c ? 1 : 0; break;
    case 19: result = a !== 0 ? b : c; break;
  }
  stack.push(isFinite(result) ? result : NaN);
}
