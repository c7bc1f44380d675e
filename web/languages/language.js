// The page in another language. Each part of it writes English; here every text is put into the language of the catalogue before it is
// painted, and put back when English is chosen again. What no line of the catalogue fits stays English.

/** What is read aloud or shown beside the text itself. */
const ATTRIBUTES = ["aria-label", "aria-roledescription", "title", "placeholder", "alt"];
/** Lines of shell, what people wrote, fields as they are, sentences that were put together in this language, and its name. */
const AS_IS = ".why__more .facts, code, textarea, script, style, noscript, [data-language], [translate=no]";
/** Texts whose other words are remembered; then all are forgotten. */
const REMEMBERED = 20_000;

let page, observer;
const remembered = new Map();
/** For each text, and each attribute of an element: what was English, and what stands there instead. */
const instead = new WeakMap();

const say = (english) => {
  if (!/[a-z]/i.test(english)) return english;
  let other = remembered.get(english);
  if (other === undefined) {
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(english, (other = page.say(english)));
  }
  return other;
};

/** `now` is what stands there; what it is to be, if anything else. */
function put(node, slot, now) {
  const slots = instead.get(node) ?? {};
  if (slots[slot]?.other === now) return undefined;
  const other = say(now);
  slots[slot] = { english: now, other };
  if (other === now) return undefined;
  instead.set(node, slots);
  return other;
}

function text(node) {
  const other = put(node, "", node.data);
  if (other !== undefined) node.data = other;
}

function attribute(element, name) {
  const now = element.getAttribute(name);
  const other = now ? put(element, name, now) : undefined;
  if (other !== undefined) element.setAttribute(name, other);
}

/** Every text and element below a node that is in somebody's language. */
function walk(root, onText, onElement) {
  const elements = NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT;
  const accept = (node) => (node.nodeType === 1 && node.matches(AS_IS) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  const nodes = document.createTreeWalker(root, elements, accept);
  for (let node = root; node; node = nodes.nextNode()) (node.nodeType === 1 ? onElement : onText)(node);
}

const isAsIs = (node) => (node.nodeType === 1 ? node : node.parentElement)?.closest(AS_IS) !== null;
const translate = (root) =>
  walk(root, text, (element) => ATTRIBUTES.forEach((name) => element.hasAttribute(name) && attribute(element, name)));

function changed(records) {
  for (const { type, target, addedNodes, attributeName } of records) {
    if (isAsIs(target)) continue;
    if (type === "attributes") attribute(target, attributeName);
    else if (type === "characterData") text(target);
    else for (const node of addedNodes) if (node.isConnected && (node.nodeType === 3 || (node.nodeType === 1 && !node.matches(AS_IS)))) translate(node);
  }
  // What was written here is no news.
  observer.takeRecords();
}

/** A node's English again, where nothing else has been written since. */
function putBack(node) {
  for (const [slot, { english, other }] of Object.entries(instead.get(node) ?? {})) {
    if (slot === "" && node.data === other) node.data = english;
    else if (slot !== "" && node.getAttribute(slot) === other) node.setAttribute(slot, english);
  }
  instead.delete(node);
}

// What is drawn on a canvas is no node.
const { fillText } = CanvasRenderingContext2D.prototype;

function begin() {
  CanvasRenderingContext2D.prototype.fillText = function (english, ...place) {
    return fillText.call(this, say(english), ...place);
  };
  observer = new MutationObserver(changed);
  observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES });
  translate(document.body);
  observer.takeRecords();
}

function end() {
  observer?.disconnect();
  observer = undefined;
  CanvasRenderingContext2D.prototype.fillText = fillText;
  walk(document.body, putBack, putBack);
}

/** The choice holds for this browser, and no longer for the address. */
function keep(language) {
  try {
    localStorage.setItem("lang", language);
  } catch {
    // Storage is blocked: it holds until the page is left.
  }
  const address = new URL(location.href);
  if (!address.searchParams.has("lang")) return;
  address.searchParams.delete("lang");
  history.replaceState(history.state, "", address);
}

let catalogue;

/** `running` becomes the artifact's exports once it runs; `chosen`: somebody said so just now. */
export async function speak(language, running, chosen) {
  if (chosen) keep(language);
  if (language !== "en") {
    catalogue ??= fetch(new URL(`${language}.tsv`, import.meta.url)).then((answer) => (answer.ok ? answer.text() : ""));
    const lines = await catalogue;
    page = await running;
    if (!observer) {
      await page.fetchLater?.();
      page.learn(lines);
      begin();
    }
  } else if (observer) {
    end();
    page.learn("");
  }
  document.documentElement.lang = language;
  document.dispatchEvent(new Event("languagechange"));
}
