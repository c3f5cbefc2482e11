// Contrast of every visible text with what is painted behind it (WCAG 2.x formula).
// Returns [{text, ratio, needed}], worst first.
const channel = (value) => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
const parse = (color) => (color.match(/[\d.]+/g) || []).map(Number);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const backdrop = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
    if (color[3] > 0) throw new Error("half transparent: " + at.className);
  }
  return [255, 255, 255];
};
const ratio = (one, two) => {
  const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode;
  const element = node.parentElement;
  if (!node.data.trim() || element.closest("noscript, script, .visually-hidden")) continue;
  if (!element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const ink = parse(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
  found.push({
    text: node.data.trim().slice(0, 40),
    ratio: ratio(ink, backdrop(element)),
    needed: large ? 3 : 4.5,
  });
}
for (const [selector, behind] of [[".bar", ".course"], [".fill", ".now"], [".marker", ".now"]]) {
  const shape = document.querySelector(selector);
  if (!shape || !shape.checkVisibility()) continue;
  const paper = parse(getComputedStyle(document.querySelector(behind)).backgroundColor);
  found.push({ text: selector, ratio: ratio(parse(getComputedStyle(shape).fill), paper), needed: 3 });
}
return found.sort((a, b) => a.ratio / a.needed - b.ratio / b.needed);
