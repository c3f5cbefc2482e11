// The vendor's fields, ported from vendor.py.

var LAST_SECOND = 253402300799; // of the year 9999
var FIRST_SECOND = -62135596800; // of the year 1

function has(object, key) { return Object.prototype.hasOwnProperty.call(object, key); }

function hex(bytes, separator, upper) {
  var digits = [], digit, i;
  for (i = 0; i < bytes.length; i++) {
    digit = (bytes[i] < 16 ? "0" : "") + bytes[i].toString(16);
    digits.push(upper ? digit.toUpperCase() : digit);
  }
  return digits.join(separator || "");
}

function padded(value, form) { // 02d, x, 04X
  var parts = /^(0?)(\d*)([dxX])$/.exec(form), negative = value <= -1;
  var digits = Math.floor(Math.abs(value)).toString(parts[3] === "d" ? 10 : 16);
  var width = Number(parts[2]) - (negative ? 1 : 0);
  if (parts[3] === "X") digits = digits.toUpperCase();
  if (parts[1]) while (digits.length < width) digits = "0" + digits;
  digits = (negative ? "-" : "") + digits;
  while (digits.length < Number(parts[2])) digits = " " + digits;
  return digits;
}

function dated(seconds, form) {
  var second = Math.floor(seconds), date;
  if (Math.round((seconds - second) * 1e6) >= 1e6) second += 1;
  if (!(second >= FIRST_SECOND && second <= LAST_SECOND)) second = LAST_SECOND;
  date = new Date(second * 1000);
  return form.replace(/%([YmdHMS])/g, function (_, part) {
    switch (part) {
      case "Y": return String(date.getUTCFullYear());
      case "m": return padded(date.getUTCMonth() + 1, "02d");
      case "d": return padded(date.getUTCDate(), "02d");
      case "H": return padded(date.getUTCHours(), "02d");
      case "M": return padded(date.getUTCMinutes(), "02d");
    }
    return padded(date.getUTCSeconds(), "02d");
  });
}

// A template's text; null where one of its numbers is NaN.
function filled(parts, registers) {
  var text = "", i, part, value;
  if (typeof parts === "string") return parts;
  for (i = 0; i < parts.length; i++) {
    part = parts[i];
    if (typeof part === "string") { text += part; continue; }
    value = registers[part.r];
    if (!isFinite(value)) return null;
    if (part.map && has(part.map, value)) text += part.map[value];
    else if (part.pad) text += padded(value, part.pad);
    else if (has(part, "fixed")) text += value.toFixed(part.fixed);
    else if (part.date) text += dated(value, part.date);
    else text += String(value);
  }
  return text;
}

// UTF-8, with U+FFFD for invalid bytes.
function utf8(bytes) {
  var text = "", i = 0, b, need, low, high, code;
  while (i < bytes.length) {
    b = bytes[i++];
    need = b < 128 ? 0 : b >= 194 && b < 224 ? 1 : b >= 224 && b < 240 ? 2 : b >= 240 && b < 245 ? 3 : -1;
    low = b === 224 ? 160 : b === 240 ? 144 : 128;
    high = b === 237 ? 159 : b === 244 ? 143 : 191;
    code = need < 1 ? b : b & (63 >> need);
    for (; need > 0 && bytes[i] >= low && bytes[i] <= high; need--) {
      code = code * 64 + (bytes[i++] & 63);
      low = 128;
      high = 191;
    }
    if (need !== 0) code = 65533;
    text += code < 65536 ? String.fromCharCode(code)
      : String.fromCharCode(55296 + (code - 65536 >> 10), 56320 + (code - 65536 & 1023));
  }
  return text;
}

function shownBytes(render, registers, bytes, pos) {
  var from = render.whole ? 0 : pos + render.offset, text = "", i;
  var size = has(render, "r") ? whole(registers[render.r]) : render.size;
  bytes = size < 0 ? bytes.slice(from) : bytes.slice(from, from + size);
  if (render.show === "list") return bytes;
  if (render.show === "utf8") {
    text = utf8(bytes);
  } else if (render.show === "ascii") {
    for (i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]);
  } else {
    text = hex(bytes, render.separator, render.show === "HEX");
  }
  return (render.before || "") + text + (render.after || "");
}

function shown(value, render) {
  if (!isFinite(value) || render.nulls && render.nulls.indexOf(value) >= 0) return null;
  if (render.map) {
    if (has(render.map, value)) return render.map[value];
    return has(render, "other") ? render.other : value;
  }
  if (render.bool) return value !== 0;
  if (render.floor) return Math.floor(value);
  if (has(render, "fixed")) return value.toFixed(render.fixed);
  if (has(render, "round")) return parseFloat(value.toFixed(render.round));
  return value;
}

// The object under a name in `target`; `fresh` is stored there if it has none.
function inner(target, name, fresh) {
  if (!has(target, name) || target[name] === null || typeof target[name] !== "object") target[name] = fresh;
  return target[name];
}

function vendorView() {
  var fields = {}, open = [fields];

  function place(path) { // the object that the path's last name belongs to, and that name
    var names = path.split("."), target = open[open.length - 1], i;
    for (i = 0; i < names.length - 1; i++) target = inner(target, names[i], {});
    return { target: target, key: names[names.length - 1] };
  }

  function set(path, value, gather) {
    var found = place(path), target = found.target, key = found.key;
    if (key.slice(-2) === "[]") inner(target, key.slice(0, -2), []).push(value);
    else if (gather && has(target, key) && target[key] instanceof Array) target[key].push(value);
    else if (gather && has(target, key)) target[key] = [target[key], value];
    else target[key] = value;
  }

  function renderNumber(render, raw, registers) {
    var value = (raw + (render.add || 0)) * (has(render, "mul") ? render.mul : 1);
    var key = filled(render.key, registers), object, name;
    value = value * (has(render, "times") ? render.times : 1) / (has(render, "div") ? render.div : 1);
    if (key === null || !isFinite(value) && !render.nan) return;
    if (render.omit && render.omit.indexOf(value) >= 0) return;
    if (render.only && !has(render.map || {}, value)) return;
    value = shown(value, render);
    if (render.fields) {
      object = {};
      for (name in render.fields) if (has(render.fields, name)) object[name] = render.fields[name];
      object.value = value;
      value = object;
    }
    set(key, value, render.gather);
  }

  function renderText(render, registers) {
    var text = filled(render.parts, registers), found;
    if (text === null) return;
    found = place(render.key);
    set(render.key, (render.append && has(found.target, found.key) ? found.target[found.key] : "") + text);
  }

  function renderList(render, registers) {
    var numbers = [], i, value;
    for (i = 0; i < render.list.length; i++) {
      value = registers[render.list[i]];
      if (render.omit.indexOf(value) < 0) numbers.push(isFinite(value) ? value : null);
    }
    set(render.key, numbers);
  }

  function openAt(render) {
    var found, list = open[open.length - 1];
    if (render.path) {
      found = place(render.path);
      if (render.kind === "object") {
        open.push(inner(found.target, found.key, {}));
        return;
      }
      list = inner(found.target, found.key, []);
    }
    found = render.kind === "list" ? [] : {};
    if (render.kind === "first") list.unshift(found);
    else list.push(found);
    open.push(found);
  }

  return {
    fields: fields,
    render: function (render, raw, registers, bytes, pos) {
      switch (render.t) {
        case "text": renderText(render, registers); break;
        case "list": renderList(render, registers); break;
        case "bytes": set(render.key, shownBytes(render, registers, bytes, pos)); break;
        case "open": openAt(render); break;
        case "close": open.pop(); break;
        default: renderNumber(render, raw, registers);
      }
    }
  };
}
