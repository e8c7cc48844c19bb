// A view's photo in a frame: whole, with the frame's rest filled by a blur of itself.

import { showView } from "./api.js";
import { el } from "./dom.js";
import { attempt } from "./toast.js";

/** Fills `frame` with the photo of a view, unless it is there already. */
export function fillFrame(frame, view, alt) {
  if (frame.dataset.view === view) return;
  frame.dataset.view = view;
  const images = [el("img", { class: "blur", alt: "", "aria-hidden": "true" }), el("img", { alt })];
  frame.replaceChildren(...images);
  for (const img of images) attempt(() => showView(img, view));
}

/** The view that a concept is shown by: its first. */
export const firstView = (concept) => concept.views?.find((view) => !view.negative);
