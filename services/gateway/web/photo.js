// Photos from files: upright, not larger than Kith needs, ready to be shown and sent.

const LONGEST_SIDE = 2048;
const AS_IT_IS = { types: ["image/jpeg", "image/png", "image/webp"], bytes: 6 * 2 ** 20 };

/** A picture in pixels of its upright self. */
export class Photo {
  #base64;

  constructor(blob, width, height) {
    this.blob = blob;
    this.width = width;
    this.height = height;
    this.url = URL.createObjectURL(blob);
  }

  /** The file as a data URL. */
  async dataUrl() {
    return `data:${this.blob.type};base64,${await this.base64()}`;
  }

  /** The file's bytes in base64. */
  base64() {
    this.#base64 ??= new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(this.blob);
    });
    return this.#base64;
  }
}

/** The photo in a file. Throws an Error made for people when the browser can't open it. */
export async function openPhoto(file) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(
      `“${file.name || "This file"}” is no picture that this browser can open. Choose a JPEG, PNG or WebP file.`,
    );
  });
  const { width, height } = bitmap;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  if (scale === 1 && AS_IT_IS.types.includes(file.type) && file.size <= AS_IT_IS.bytes) {
    bitmap.close();
    return new Photo(file, width, height);
  }
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; // a JPEG shows what is transparent as black
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  return new Photo(blob, canvas.width, canvas.height);
}

/** The pictures among what was dropped, pasted or chosen. */
export function pictureFiles(transfer) {
  return [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/"));
}
