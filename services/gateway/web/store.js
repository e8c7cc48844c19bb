// The concepts that the page knows: filled by the list, by our own edits and by the watch.

import { idOf } from "./api.js";

const HUES = 8;

class Store extends EventTarget {
  #concepts = new Map();
  #hues = new Map();
  #ownEdits = 0;
  /** False until the first list is there. */
  loaded = false;

  /** All concepts, the newest first. */
  all() {
    return [...this.#concepts.values()].sort((a, b) =>
      (b.create_time ?? "").localeCompare(a.create_time ?? ""),
    );
  }

  get(id) {
    return this.#concepts.get(id);
  }

  named(name) {
    const wanted = name.normalize("NFC").replace(/^<(.*)>$/, "$1");
    return this.all().find((concept) => concept.display_name === wanted);
  }

  categories() {
    return [...new Set(this.all().map((concept) => concept.category))].sort();
  }

  /** A concept's colour, 0 to 7: the next one for each that is met. */
  hue(id) {
    if (!this.#hues.has(id)) this.#hues.set(id, this.#hues.size % HUES);
    return this.#hues.get(id);
  }

  /** Takes a whole list, the oldest first. */
  fill(concepts) {
    this.#concepts = new Map(concepts.map((concept) => [idOf(concept.name), concept]));
    for (const id of this.#concepts.keys()) this.hue(id);
    this.loaded = true;
    this.#tell({ kind: "all" });
  }

  /** Takes a concept as it is now. */
  put(concept, { elsewhere = false } = {}) {
    const id = idOf(concept.name);
    const before = this.#concepts.get(id);
    // The end of a training is no edit, and leaves the etag as it was.
    if (before?.etag && before.etag === concept.etag && before.state === concept.state) return;
    this.hue(id);
    this.#concepts.set(id, concept);
    this.#tell({
      kind: before ? "changed" : "added",
      id,
      concept,
      elsewhere: elsewhere && !this.#ownEdits,
    });
  }

  drop(id, { elsewhere = false } = {}) {
    const concept = this.#concepts.get(id);
    if (!this.#concepts.delete(id)) return;
    this.#tell({ kind: "gone", id, concept, elsewhere: elsewhere && !this.#ownEdits });
  }

  /** Runs an edit of our own: its echo from the watch is no news. */
  async editing(edit) {
    this.#ownEdits += 1;
    try {
      return await edit();
    } finally {
      this.#ownEdits -= 1;
    }
  }

  #tell(detail) {
    this.dispatchEvent(new CustomEvent("change", { detail }));
  }
}

/** The one store of the page. */
export const store = new Store();
