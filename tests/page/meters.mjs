// What eyes miss and a meter sees: text over text, text that is cut, targets too small, a page wider than its window, axe's rules.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The least width and height of what is pressed, in pixels. */
const TARGET = 24;

export const axeOf = (lab) => readFileSync(join(lab.modules, "axe-core/axe.min.js"), "utf8");

/** Everything to mend in what is shown now, a sentence each. */
export async function faults(it, axe) {
  const seen = await it.frame.evaluate(look, TARGET);
  await it.frame.evaluate(axe);
  const rules = await it.frame.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `axe ${id}: ${node.target.join(" ")}`));
  });
  return [...seen, ...rules];
}

/** Runs in the page. */
function look(target) {
  const shown = (element) => {
    const style = getComputedStyle(element);
    const { width, height, top, left, bottom, right } = element.getBoundingClientRect();
    return element.checkVisibility({ contentVisibilityAuto: true }) && style.visibility !== "hidden" && Number(style.opacity) > 0.05
      && width > 0 && height > 0 && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  };
  const name = (element) => `${element.tagName.toLowerCase()}.${[...element.classList].join(".")} "${element.textContent.trim().slice(0, 40)}"`;
  const all = [...document.querySelectorAll("body *")].filter(shown);
  const texts = all.filter((element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim()));

  /** What is left of a rectangle inside all that clips it. */
  const clipped = (element, { left, top, right, bottom }) => {
    for (let at = element; at && at !== document.body; at = at.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(at);
      if (overflowX === "visible" && overflowY === "visible") continue;
      const box = at.getBoundingClientRect();
      [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
      [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    return { left, top, right, bottom };
  };
  /** Its text, line by line. */
  const inked = (element) => {
    if (element instanceof SVGElement) return [clipped(element, element.getBoundingClientRect())];
    const range = document.createRange();
    range.selectNodeContents(element);
    return [...range.getClientRects()].map((line) => clipped(element, line)).filter(({ left, top, right, bottom }) => right > left && bottom > top);
  };
  /** The layer that lies over the page and hides what is under it. */
  const layer = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { position, backgroundColor } = getComputedStyle(at);
      const clear = /^(transparent|rgba\(.*, 0(\.\d+)?\))$/.test(backgroundColor);
      const lifted = position === "fixed" || position === "absolute" || position === "sticky";
      if (!clear && (lifted || at.parentElement.matches(".overlays *"))) return at;
    }
    return null;
  };
  const scrolls = (element) => {
    for (let at = element.parentElement; at; at = at.parentElement) if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
    return false;
  };
  const found = [];
  const area = ({ left, top, right, bottom }) => (right - left) * (bottom - top);
  const over = (a, b) => {
    const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    return width > 3 && height > 3 && width * height > 0.12 * Math.min(area(a), area(b));
  };
  const boxes = texts.map((element) => ({ element, lines: inked(element), layer: layer(element) }));
  for (const [i, a] of boxes.entries()) {
    for (const b of boxes.slice(i + 1)) {
      if (a.layer !== b.layer || a.element.contains(b.element) || b.element.contains(a.element)) continue;
      if (a.lines.some((line) => b.lines.some((other) => over(line, other)))) found.push(`${name(a.element)} lies over ${name(b.element)}`);
    }
  }
  for (const element of texts) {
    const { overflowX, textOverflow } = getComputedStyle(element);
    const cut = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
    if (cut && overflowX !== "visible" && textOverflow !== "ellipsis" && !/auto|scroll/.test(overflowX)) found.push(`cut: ${name(element)}`);
  }
  for (const element of all.filter((one) => one.matches("button, a[href], input, select, textarea, summary, [role=button], [role=tab], [tabindex='0']"))) {
    const { width, height, left, right } = element.getBoundingClientRect();
    if ((left < -1 || right > innerWidth + 1) && !scrolls(element)) found.push(`beyond the edge: ${name(element)} ${element.ariaLabel ?? ""}`);
    if (width < target || height < target) found.push(`${Math.round(width)} × ${Math.round(height)} px to press: ${name(element)}`);
  }
  const root = document.documentElement;
  const sideways = Math.max(root.scrollWidth, document.body.scrollWidth) - root.clientWidth;
  if (sideways > 0) found.push(`the page scrolls ${sideways} px sideways`);
  return found;
}
