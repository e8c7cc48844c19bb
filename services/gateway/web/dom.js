// Elements, made one by one: what users wrote is only ever text.

/**
 * An element.
 * @param {string} tag
 * @param {object} props `class`, `text`, `data` (dataset), `on` (listeners); all else: attributes.
 * @param {...(Node|string|null|undefined|false)} children What is empty is left out.
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") element.className = value;
    else if (key === "text") element.textContent = value;
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "on")
      for (const [type, listener] of Object.entries(value))
        element.addEventListener(type, listener);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter(Boolean));
  return element;
}

/** The element of an id; the page has all of them. */
export const byId = (id) => document.getElementById(id);

/** Shows or hides elements. */
export function show(visible, ...elements) {
  for (const element of elements) element.hidden = !visible;
}

/** Changes the page, and stays at its end if that is in sight. */
export function atEnd(change) {
  const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
  change();
  if (scrollHeight - scrollTop - clientHeight < 80) toEnd();
}

/** Scrolls to the end of the page. */
export const toEnd = () => scrollTo(0, document.documentElement.scrollHeight);

/** A message in a place kept for it, red when it is an error; empty takes it away. */
export function tell(place, text, { error = false } = {}) {
  place.textContent = text;
  place.classList.toggle("error", error);
  place.hidden = !text;
}
