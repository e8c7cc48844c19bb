// How photos come in: chosen, dropped, pasted, or taken; whoever is in view gets them.

import { hasCamera, takePhoto } from "./camera.js";
import { byId, show } from "./dom.js";
import { openPhoto, pictureFiles } from "./photo.js";
import { toast } from "./toast.js";

/** Lets the user choose files; the photos in them, none when they change their mind. */
export function choosePhotos({ capture = false } = {}) {
  const input = byId("file");
  input.value = "";
  input.toggleAttribute("capture", capture);
  return new Promise((resolve) => {
    input.onchange = async () => resolve(await openAll([...input.files]));
    input.oncancel = () => resolve([]);
    input.click();
  });
}

/** A photo from the camera, in a list; empty when the user changes their mind. */
export async function fromCamera() {
  if (!hasCamera) return choosePhotos({ capture: true });
  const photo = await takePhoto().catch(complain);
  return photo ? [photo] : [];
}

/** Hands photos that are dropped on the page or pasted to `receive`. */
export function receivePhotos(receive) {
  const take = async (files) => receive(await openAll(files));
  let depth = 0;
  const over = (now) => show((depth = now) > 0, byId("drop"));
  addEventListener(
    "dragenter",
    (event) => event.dataTransfer.types.includes("Files") && over(depth + 1),
  );
  addEventListener(
    "dragleave",
    (event) => event.dataTransfer.types.includes("Files") && over(depth - 1),
  );
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(0);
    const files = pictureFiles(event.dataTransfer);
    if (files.length) take(files);
    else if (event.dataTransfer.files.length)
      toast("That is no picture. Drop a JPEG, PNG or WebP file.", { error: true });
  });
  addEventListener("paste", (event) => {
    const files = pictureFiles(event.clipboardData);
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
}

/** The photos among files; each that is none is told of. */
async function openAll(files) {
  const photos = await Promise.all(files.map((file) => openPhoto(file).catch(complain)));
  return photos.filter(Boolean);
}

const complain = (error) => toast(error.message, { error: true });
