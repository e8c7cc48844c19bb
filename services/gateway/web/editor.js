// Draws or corrects the box around a thing: with a pointer, or with the arrow keys.

import { between, inside, place } from "./boxes.js";
import { el } from "./dom.js";

const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CLICK = 4; // pixels of the screen below which a drag is only a click

/** A photo with a box. Sends "change" when the user has changed the box. */
export class BoxEditor extends EventTarget {
  #photo = null;
  #box = null;

  constructor(place) {
    super();
    this.img = el("img", { alt: "The photo", draggable: "false" });
    this.frame = el(
      "div",
      {
        class: "edit-box",
        tabindex: "0",
        role: "group",
        "aria-roledescription": "box",
        hidden: true,
        "aria-describedby": "editor-help",
        on: { keydown: (event) => this.#key(event) },
      },
      ...HANDLES.map((side) => el("i", { data: { side } })),
    );
    this.hints = el("div", { class: "hints" });
    this.stage = el(
      "div",
      { class: "stage", on: { pointerdown: (event) => this.#press(event) } },
      this.img,
      this.hints,
      this.frame,
    );
    this.toggle = el("button", {
      type: "button",
      class: "quiet",
      on: { click: () => this.#toggle() },
    });
    place.append(
      this.stage,
      el(
        "div",
        { class: "row edit-tools" },
        el("p", {
          class: "soft small",
          id: "editor-help",
          text: "Drag over the photo to draw a box. Arrow keys move it, with Shift they resize it.",
        }),
        this.toggle,
      ),
    );
  }

  /** The box, or null where Kith shall find the thing itself. */
  get box() {
    return this.#box;
  }

  /** Shows a photo, with a box or none. */
  show(photo, box = null) {
    this.#photo = photo;
    this.img.src = photo.url;
    this.stage.style.setProperty("--ratio", photo.width / photo.height);
    this.suggest([]);
    this.#set(box);
  }

  /** Offers boxes, `[{box, label}]`, to take one of. */
  suggest(suggestions) {
    this.hints.replaceChildren(
      ...suggestions.map(({ box, label }) => {
        const hint = el(
          "button",
          { type: "button", class: "hint-box", "aria-label": `Take the box around ${label}` },
          el("span", { text: label }),
        );
        place(hint, box, this.#photo);
        hint.addEventListener("click", () => {
          this.#set(inside(box, this.#photo), true);
          this.frame.focus();
        });
        return hint;
      }),
    );
  }

  #set(box, byUser = false) {
    this.#box = box;
    this.frame.hidden = !box;
    this.stage.classList.toggle("boxed", Boolean(box));
    this.toggle.textContent = box ? "Remove the box" : "Put a box";
    if (box) {
      place(this.frame, box, this.#photo);
      this.frame.ariaLabel = `Box, ${box.x2 - box.x1} by ${box.y2 - box.y1} pixels, ${box.x1} from the left, ${box.y1} from the top`;
    }
    if (byUser) this.dispatchEvent(new Event("change"));
  }

  #toggle() {
    if (this.#box) {
      this.#set(null, true);
      return;
    }
    const { width, height } = this.#photo;
    this.#set(
      inside(
        { x1: width / 4, y1: height / 4, x2: (3 * width) / 4, y2: (3 * height) / 4 },
        this.#photo,
      ),
      true,
    );
    this.frame.focus();
  }

  #key(event) {
    const direction = KEYS[event.key];
    if (event.key === "Delete" || event.key === "Backspace") {
      this.#set(null, true);
      this.toggle.focus();
    } else if (direction) {
      const step = Math.max(1, Math.round(Math.max(this.#photo.width, this.#photo.height) / 100));
      this.#set(
        changed(
          this.#box,
          event.shiftKey ? "se" : "all",
          direction[0] * step,
          direction[1] * step,
          this.#photo,
        ),
        true,
      );
    } else return;
    event.preventDefault();
  }

  #press(event) {
    if (event.button !== 0 || !this.#photo || event.target.closest(".hint-box")) return;
    event.preventDefault();
    const start = this.#point(event);
    const before = this.#box;
    const side =
      event.target.dataset.side ?? (before && this.frame.contains(event.target) ? "all" : null);
    const move = (now) => {
      const point = this.#point(now);
      if (side) this.#set(changed(before, side, point.x - start.x, point.y - start.y, this.#photo));
      else if (distance(now, event) > CLICK) this.#set(inside(between(start, point), this.#photo));
    };
    const end = () => {
      this.stage.removeEventListener("pointermove", move);
      this.stage.removeEventListener("pointerup", end);
      this.stage.removeEventListener("pointercancel", end);
      if (this.#box !== before) this.dispatchEvent(new Event("change"));
    };
    this.stage.setPointerCapture(event.pointerId);
    this.stage.addEventListener("pointermove", move);
    this.stage.addEventListener("pointerup", end);
    this.stage.addEventListener("pointercancel", end);
    if (this.#box) this.frame.focus();
  }

  /** Where a pointer is, in pixels of the photo. */
  #point(event) {
    const { left, top, width, height } = this.img.getBoundingClientRect();
    const { width: w, height: h } = this.#photo;
    const part = (value) => Math.min(Math.max(value, 0), 1);
    return {
      x: w * part((event.clientX - left) / width),
      y: h * part((event.clientY - top) / height),
    };
  }
}

const distance = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);

/** A box after one of its sides, a corner or all of it was dragged. */
function changed(box, side, dx, dy, photo) {
  if (side === "all")
    return inside({ x1: box.x1 + dx, y1: box.y1 + dy, x2: box.x2 + dx, y2: box.y2 + dy }, photo);
  const a = {
    x: box.x1 + (side.includes("w") ? dx : 0),
    y: box.y1 + (side.includes("n") ? dy : 0),
  };
  const b = {
    x: box.x2 + (side.includes("e") ? dx : 0),
    y: box.y2 + (side.includes("s") ? dy : 0),
  };
  const edge = (value, most) => Math.min(Math.max(value, 0), most);
  return inside(
    between(
      { x: edge(a.x, photo.width), y: edge(a.y, photo.height) },
      { x: edge(b.x, photo.width), y: edge(b.y, photo.height) },
    ),
    photo,
  );
}
