// Elements, made one by one: what comes from a dataset is only ever text.

/** The element of an id; the page has all of them. */
export const byId = (id) => document.getElementById(id);

/**
 * An element.
 * @param {string} tag
 * @param {object} props Its properties; `data` goes to its dataset.
 * @param {...Node} children
 */
export function el(tag, { data = {}, ...props } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), props);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

/** The address of a picture or a seed. */
export const address = (file) => `files/${file.split("/").map(encodeURIComponent).join("/")}`;
