/** Elements without markup: text from outside is always a text node. */

const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;
/** Words without the marks that turn the direction of writing: one that a sender left open would turn what we say beside it. */
const straight = (words) => String(words).replace(TURNS, "");

/** An element. Attributes as given; `class`, `on…` functions and `data` too. Children are nodes or text; null and false are left out.
 * @param {string} name @param {Object<string, any>|null} [attributes] @param {...any} children */
export function h(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value == null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  add(node, children);
  return node;
}

function add(node, children) {
  for (const child of children) {
    if (child == null || child === false) continue;
    if (Array.isArray(child)) add(node, child);
    else node.append(child instanceof Node ? child : straight(child));
  }
}

/** The children of a node, replaced. */
export function fill(node, ...children) {
  node.replaceChildren();
  add(node, children);
  return node;
}

/** Write text only where it differs: an unchanged figure costs no layout. */
export function text(node, words) {
  const next = straight(words);
  if (node.textContent !== next) node.textContent = next;
}

/** Write an attribute only where it differs. */
export function put(node, name, value) {
  const next = String(value);
  if (node.getAttribute(name) !== next) node.setAttribute(name, next);
}

/** Write a class name only where it differs. */
export function dress(node, name) {
  if (node.className !== name) node.className = name;
}

/** Keep the children of `parent` equal to `items`, by key: nodes are made once, moved when the order changed, updated in place.
 * @template T @param {HTMLElement} parent @param {T[]} items @param {(item: T) => string} key
 * @param {(item: T) => HTMLElement} make @param {(node: HTMLElement, item: T) => void} update */
export function keyed(parent, items, key, make, update) {
  const old = parent.keyed ?? (parent.keyed = new Map());
  const keys = items.map(key);
  if (old.size) {
    const wanted = new Set(keys);
    for (const [k, node] of old)
      if (!wanted.has(k)) {
        node.remove(); // first, so that those that stay need no move
        old.delete(k);
      }
  }
  let at = parent.firstElementChild;
  items.forEach((item, i) => {
    let node = old.get(keys[i]);
    if (!node) {
      node = make(item);
      old.set(keys[i], node);
    }
    update(node, item);
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  });
}

const $ = (id) => document.getElementById(id);
export { $ };
