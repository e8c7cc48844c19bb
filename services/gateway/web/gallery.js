// My concepts: a card each, kept in step with the store.

import { idOf } from "./api.js";
import { byId, el, show } from "./dom.js";
import { fillFrame, firstView } from "./frame.js";
import { store } from "./store.js";

const STATES = {
  STATE_TRAINING: "training",
  STATE_OUTDATED: "to be trained again",
  STATE_UNTRAINED: "not trained",
};
const cards = new Map();

/** Draws the gallery now and after every edit. */
export function startGallery() {
  store.addEventListener("change", ({ detail }) => draw(detail));
}

/** Moves the focus to a concept's card, if there is one. */
export const focusCard = (id) => cards.get(id)?.querySelector("a").focus();

function draw({ id, concept, kind, elsewhere }) {
  const concepts = store.all();
  const ids = concepts.map((one) => idOf(one.name));
  for (const known of [...cards.keys()]) {
    if (ids.includes(known)) continue;
    cards.get(known).remove();
    cards.delete(known);
  }
  const list = byId("cards");
  concepts.forEach((one, number) => {
    const card = cards.get(ids[number]) ?? newCard(ids[number]);
    fill(card, one);
    // A card that lies where it should is not touched: it may hold the focus.
    if (list.children[number] !== card) list.insertBefore(card, list.children[number] ?? null);
  });
  if (elsewhere && kind !== "gone") glow(cards.get(id));
  note(concepts.length, elsewhere ? { concept, kind } : null);
  show(!concepts.length, byId("empty"));
  byId("categories").replaceChildren(...store.categories().map((value) => el("option", { value })));
  byId("names").replaceChildren(
    ...concepts.map((one) => el("option", { value: one.display_name })),
  );
}

function newCard(id) {
  const card = el(
    "li",
    {},
    el(
      "a",
      { class: `card hue-${store.hue(id)}`, href: `#/concepts/${id}` },
      el("span", { class: "frame" }),
      el(
        "span",
        { class: "words" },
        el("span", { class: "card-name" }),
        el("span", { class: "eyebrow" }),
        el("span", { class: "card-text soft" }),
      ),
    ),
  );
  cards.set(id, card);
  return card;
}

function fill(card, concept) {
  const view = firstView(concept);
  if (view) fillFrame(card.querySelector(".frame"), view.name, "");
  card.querySelector(".card-name").textContent = concept.display_name;
  const state = STATES[concept.state];
  const words = [concept.category, state].filter(Boolean);
  card.querySelector(".eyebrow").textContent = words.join(" · ");
  card.querySelector(".card-text").textContent = concept.description ?? "";
}

function note(count, news) {
  const what = { added: "was added", changed: "was changed", gone: "was forgotten" }[news?.kind];
  const total = count ? `${count} known by name` : "Nobody yet";
  byId("concepts-note").textContent = what
    ? `${total} · ${news.concept.display_name} ${what} elsewhere`
    : total;
}

function glow(card) {
  card.classList.remove("news");
  void card.offsetWidth; // lets the animation start again
  card.classList.add("news");
}
