// Choosing a file is uploading it. A photograph that is larger than a paper may be is made smaller first; what cannot
// be is told at once, before minutes go into sending it. Without this script the form has a button, and the server says the same.
"use strict";

const inEnglish = document.documentElement.lang === "en";
const mb = (bytes) => (bytes / 1048576).toFixed(1).replace(/\.0$/, "");
const say = {
  shrinking: (file) => inEnglish ? `Making ${file.name} smaller…` : `正在缩小 ${file.name} …`,
  sending: () => inEnglish ? "Uploading…" : "正在上传…",
  large: (file, limit) => inEnglish
    ? `${file.name} has ${mb(file.size)} MB, at most ${mb(limit)} MB are taken. Scan it at 200 dpi in grey, or page by page as JPG.`
    : `${file.name} 有 ${mb(file.size)} MB，每份不能超过 ${mb(limit)} MB。请以 200 dpi 灰度重新扫描，或分页存为 JPG 上传。`,
  together: (sum, most) => inEnglish
    ? `Together they have ${mb(sum)} MB; at most ${mb(most)} MB go at a time. Choose fewer files, several times.`
    : `所选文件合计 ${mb(sum)} MB，一次不能超过 ${mb(most)} MB。请分几次选择。`,
};

async function drawn(picture, side) {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((give) => canvas.toBlob(give, "image/jpeg", 0.85));
}

// The photograph as a JPG below the limit that can still be read (1,200 pixels at least), else null.
async function smaller(file, limit) {
  const picture = await createImageBitmap(file);
  for (let side = 3000; side >= 1200; side *= 0.8) {
    const blob = await drawn(picture, side);
    if (blob && blob.size <= limit) return new File([blob], `${file.name.replace(/\.\w+$/, "")}.jpg`, { type: blob.type });
  }
  return null;
}

async function fitting(file, limit, tell) {
  if (file.size <= limit) return file;
  if (/^image\/(jpeg|png)$/.test(file.type)) {
    tell(say.shrinking(file));
    // A damaged picture cannot be opened here either; it is told as too large, which it is.
    const found = await smaller(file, limit).catch(() => null);
    if (found) return found;
  }
  throw say.large(file, limit);
}

async function send(form, input, tell) {
  const chosen = new DataTransfer();
  let sum = 0;
  for (const file of input.files) {
    const fits = await fitting(file, Number(form.dataset.limit), tell);
    sum += fits.size;
    chosen.items.add(fits);
  }
  // Fields and boundaries of the form take some bytes too.
  if (sum > Number(form.dataset.most) - 65536) throw say.together(sum, Number(form.dataset.most));
  input.files = chosen.files;
  tell(say.sending());
  form.requestSubmit();
}

document.querySelectorAll("form[data-upload]").forEach((form) => {
  const input = form.querySelector("input[type=file]"), said = form.querySelector("[data-said]");
  form.querySelector("button").hidden = true;
  const tell = (text, wrong = false) => {
    said.textContent = text;
    said.className = wrong ? "wrong" : "hint";
    input.toggleAttribute("aria-invalid", wrong);
  };
  const begin = () => send(form, input, tell).catch((error) => {
    input.value = "";
    tell(typeof error === "string" ? error : String(error), true);
  });
  input.addEventListener("change", begin);
  // On a slow line a file can be chosen before this script is there; its button is hidden now.
  if (input.files.length) begin();
});
