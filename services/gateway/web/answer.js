// An answer as it streams: plain text, in which each name leads to its concept.

import { idOf } from "./api.js";
import { el } from "./dom.js";
import { store } from "./store.js";

const LONGEST_NAME = 66; // with its brackets

/**
 * Puts an answer into an element.
 * @param {HTMLElement} element
 * @param {string} text So far.
 * @param {object} options `names`: display names that count without brackets, too; `ended`: true
 *   when nothing follows, so that an open bracket is just a bracket.
 */
export function writeAnswer(element, text, { names = [], ended = false } = {}) {
  element.replaceChildren(...pieces(ended ? text : withoutOpenName(text), names));
}

/** A link to a concept. */
export function conceptLink(concept) {
  const id = idOf(concept.name);
  return el("a", {
    class: `concept hue-${store.hue(id)}`,
    href: `#/concepts/${id}`,
    data: { concept: id },
    text: concept.display_name,
  });
}

function pieces(text, names) {
  const bare = names
    .map(escaped)
    .sort((a, b) => b.length - a.length)
    .join("|");
  const pattern = new RegExp(
    `<([^<>\\n]{1,64})>${bare && `|(?<![\\p{L}\\p{N}_])(${bare})(?![\\p{L}\\p{N}_])`}`,
    "gu",
  );
  const found = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const concept = store.named(match[1] ?? match[2]);
    if (!concept) continue;
    found.push(text.slice(end, match.index), conceptLink(concept));
    end = match.index + match[0].length;
  }
  return [...found, text.slice(end)];
}

/** The text without a name at its end that is still being written. */
function withoutOpenName(text) {
  const open = text.lastIndexOf("<");
  return open >= 0 && text.length - open < LONGEST_NAME && !text.includes(">", open)
    ? text.slice(0, open)
    : text;
}

const escaped = (name) => name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
