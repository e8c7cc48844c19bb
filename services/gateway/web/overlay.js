// Boxes and names over a photo: what Kith knows in it, and, fainter, what it only sees.

import { idOf } from "./api.js";
import { area, overlap, place, readBox } from "./boxes.js";
import { el } from "./dom.js";
import { store } from "./store.js";

const SURE = 0.25; // a detector's certainty from which on an unknown thing is worth a box
const MOST_UNKNOWN = 8;
const TAG_PLACES = ["above", "above-right", "inside", "inside-right", "below"];
const SAME = 0.6; // overlap from which on two boxes show one thing

/** A photo with its boxes. `pick(finding, button)` is called for a box that is chosen. */
export class Overlay {
  #buttons = new Map();

  constructor(photo, pick) {
    this.photo = photo;
    this.pick = pick;
    this.layer = el("div", { class: "layer" });
    this.root = el(
      "figure",
      { class: "photo" },
      el("img", { src: photo.url, alt: "Photo", width: photo.width, height: photo.height }),
      this.layer,
    );
  }

  /** Draws what was retrieved: `{accepted, regions}` of the contract. */
  draw({ accepted = [], regions = [] }) {
    const known = accepted
      .filter((used) => used.box)
      .map((used) => ({ ...used, id: idOf(used.concept), box: readBox(used.box) }));
    const unknown = [];
    for (const region of regions) {
      const box = readBox(region.box);
      if (!region.category || (region.score ?? 0) < SURE || unknown.length === MOST_UNKNOWN)
        continue;
      if ([...known, ...unknown].every((other) => overlap(box, other.box) < SAME))
        unknown.push({ box, category: region.category });
    }
    this.#place([...known, ...unknown]);
  }

  /** Makes the boxes of a concept stand out; null: none. */
  light(id) {
    for (const button of this.#buttons.values())
      button.classList.toggle("lit", id !== null && button.dataset.concept === id);
  }

  /** Follows the memory: a new name, or a concept that is gone. */
  follow() {
    for (const [key, button] of this.#buttons) {
      const id = button.dataset.concept;
      if (!id) continue;
      const concept = store.get(id);
      if (concept) label(button, concept.display_name);
      else {
        button.remove();
        this.#buttons.delete(key);
      }
    }
  }

  #place(findings) {
    const before = this.#buttons;
    this.#buttons = new Map();
    // Larger ones first, so that a thing in front of another one can be reached.
    for (const finding of findings.sort((a, b) => area(b.box) - area(a.box))) {
      const key = `${Object.values(finding.box).map(Math.round)}|${finding.id ?? ""}`;
      const button = before.get(key) ?? this.#button(finding);
      button.onclick = () => this.pick(finding, button);
      this.#buttons.set(key, button);
    }
    const held = [...before].find(([, button]) => button === document.activeElement)?.[0];
    for (const [key, button] of before) if (!this.#buttons.has(key)) button.remove();
    // One that lies where it should is not touched: it may hold the focus.
    [...this.#buttons.values()].forEach((button, number) => {
      const there = this.layer.children[number] ?? null;
      if (there !== button) this.layer.insertBefore(button, there);
    });
    if (held && !this.#buttons.has(held)) this.#focusLike(held);
    this.#spreadTags();
  }

  /** Gives each tag the first of its places where it is whole and hides no other one. */
  #spreadTags() {
    const photo = this.root.getBoundingClientRect();
    const taken = [];
    for (const button of this.#buttons.values()) {
      const free = TAG_PLACES.find((where) => {
        button.dataset.tag = where;
        const tag = button.firstChild.getBoundingClientRect();
        return (
          tag.top >= photo.top &&
          tag.right <= photo.right &&
          taken.every((other) => apart(tag, other))
        );
      });
      button.dataset.tag = free ?? TAG_PLACES[0];
      taken.push(button.firstChild.getBoundingClientRect());
    }
  }

  /** Focuses the box that has taken the place of another one. */
  #focusLike(key) {
    const [place] = key.split("|");
    const like = [...this.#buttons].find(([other]) => other.startsWith(`${place}|`));
    (like ?? [...this.#buttons][0])?.[1].focus();
  }

  #button({ id, box, display_name: name, category }) {
    const button = el(
      "button",
      {
        type: "button",
        class: id ? `found hue-${store.hue(id)}` : "found unknown",
        "aria-haspopup": "dialog",
        "aria-label": `Unknown ${category}: say what it is`,
        data: id ? { concept: id } : {},
      },
      el("span", { class: "tag", text: `${category}?` }),
    );
    if (id) label(button, name);
    place(button, box, this.photo);
    return button;
  }
}

function label(button, name) {
  button.firstChild.textContent = name;
  button.ariaLabel = `${name}: correct or look up`;
}

const apart = (a, b) =>
  a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
