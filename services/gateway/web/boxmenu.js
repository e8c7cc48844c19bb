// What can be said about a box: "not this one", and "this is …". Holds from the next question on.

import { idOf } from "./api.js";
import { byId, el, show, tell } from "./dom.js";
import * as edits from "./edits.js";
import { fillFrame } from "./frame.js";
import { store } from "./store.js";
import { toast } from "./toast.js";

const menu = byId("box-menu");
const note = byId("box-note");
const input = byId("box-name");
let open = null; // {photo, finding, button, done}

/**
 * Opens the menu at a box.
 * @param {Photo} photo
 * @param {object} finding What the overlay drew there.
 * @param {HTMLElement} button The box.
 * @param {() => void} done Called when the memory has changed.
 */
export function openBoxMenu(photo, finding, button, done) {
  open = { photo, finding, button, done };
  tell(note, "");
  byId("box-form").reset();
  const { id, display_name: name, category } = finding;
  byId("box-title").replaceChildren(
    ...(id
      ? [el("a", { class: `concept hue-${store.hue(id)}`, href: `#/concepts/${id}`, text: name })]
      : [`Some ${category}`]),
  );
  byId("box-why").textContent = id
    ? `${Math.round(100 * (finding.score ?? 0))} % sure, by this view`
    : "Kith does not know this one.";
  const photoPlace = byId("box-photo");
  show(Boolean(finding.view), photoPlace);
  if (finding.view) fillFrame(photoPlace, finding.view, `The view of ${name} it was known by`);
  show(Boolean(id), byId("box-reject"));
  byId("box-reject").textContent = id ? `Not ${name}` : "";
  label();
  menu.showPopover();
  beside(button);
  (id ? byId("box-reject") : input).focus();
}

menu.addEventListener("click", (event) => event.target.closest("a") && menu.hidePopover());
byId("box-reject").addEventListener("click", () => run(reject));
input.addEventListener("input", label);
byId("box-form").addEventListener("submit", (event) => {
  event.preventDefault();
  run(name);
});

async function reject({ photo, finding: { id, box, display_name: name }, done }) {
  const view = await edits.reject(id, photo, box);
  toast(`Noted: this is not ${name}.`, {
    actions: view
      ? [
          [
            "Undo",
            async () => {
              await edits.removeView(id, view);
              done();
            },
          ],
        ]
      : [],
  });
}

async function name({ photo, finding: { id, box, category } }) {
  const display_name = input.value.trim();
  const known = store.named(display_name);
  if (known && idOf(known.name) !== id) {
    await edits.addViews(idOf(known.name), [{ photo, box }]);
    toast(`Kith knows ${display_name} better now.`);
  } else if (known) {
    toast(`That is what Kith says, too: ${display_name}.`);
  } else {
    const made = await edits.remember({ display_name, ...(category && { category }) }, [
      { photo, box },
    ]);
    toast(`Kith knows ${display_name} now.`, {
      actions: [["Describe", () => (location.hash = `#/concepts/${idOf(made.name)}`)]],
    });
  }
}

/** Does what was said; the menu stays open when it fails, and tells why. */
async function run(action) {
  const what = open;
  menu.inert = true;
  tell(note, "One moment…");
  try {
    await action(what);
    menu.hidePopover();
    what.button.focus(); // an inert menu does not give the focus back
    what.done();
  } catch (error) {
    console.warn("correction:", error);
    tell(note, error.message, { error: true });
    menu.inert = false;
    input.focus();
  } finally {
    menu.inert = false;
  }
}

function label() {
  const known = store.named(input.value.trim());
  byId("box-submit").textContent = known ? `Add to ${known.display_name}` : "Remember";
}

/** Next to the box, inside the window; a phone's style sheet puts it at the bottom instead. */
function beside(button) {
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const gap = 8;
  const right = at.right + gap + width < innerWidth;
  const left = right ? at.right + gap : Math.max(gap, Math.min(at.left, innerWidth - width - gap));
  const top = right ? at.top : at.bottom + gap;
  menu.style.left = `${left}px`;
  menu.style.top = `${Math.max(gap, Math.min(top, innerHeight - height - gap))}px`;
}
