// Everything here is an extra: each page works without it.
"use strict";

const typing = (element) => element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));

// --- Keys: j and k move in a list, Enter opens, / searches, g i goes to the to-do list, a to the decision, ? explains. ---
function rows() { return [...document.querySelectorAll("tr[data-href]")]; }

function move(step) {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex((row) => row.classList.contains("selected"));
  const next = all[Math.min(Math.max(now + step, 0), all.length - 1)];
  all.forEach((row) => row.classList.toggle("selected", row === next));
  next.querySelector("a").focus();
  next.scrollIntoView({ block: "nearest" });
}

let waiting = "";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter" && event.target.form) {
    const first = event.target.form.querySelector("button.primary");
    if (first) first.focus();
    return;
  }
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const dialog = document.getElementById("keys");
  if (dialog && dialog.open) return;
  const actions = {
    j: () => move(1), k: () => move(-1),
    "/": () => document.querySelector("input[type=search]")?.focus(),
    a: () => document.querySelector("#decide button:not([disabled])")?.focus(),
    "?": () => dialog?.showModal(),
  };
  if (waiting === "g" && event.key === "i") {
    location.href = "/requests?box=todo";
  } else if (actions[event.key]) {
    event.preventDefault();
    actions[event.key]();
  }
  waiting = event.key === "g" ? "g" : "";
  document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
});
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, summary") && !String(getSelection())) location.href = row.dataset.href;
});

// --- Opinions for one click. ---
document.querySelectorAll("[data-insert]").forEach((box) => {
  const target = document.getElementById(box.dataset.insert);
  box.hidden = false;
  box.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    target.value = target.value ? `${target.value}\n${button.textContent}` : button.textContent;
    target.dispatchEvent(new Event("input", { bubbles: true }));
    target.focus();
  });
});

// --- A form is sent once; its buttons come back when the browser goes back. ---
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "1";
  event.target.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => {
  delete form.dataset.sent;
  form.removeAttribute("aria-busy");
}));

// --- What was typed survives an ended session, and an opinion also the look at a paper: kept in this tab, for this
// person alone, until the form has been answered well. ---
const who = document.body.dataset.who;
const done = new URLSearchParams(location.search).get("done");
if (done && !done.endsWith("_document")) {
  const form = { create: "/requests/new:", amend: `${location.pathname}/edit:edit` }[done] ?? `${location.pathname}:decide`;
  Object.keys(sessionStorage).filter((key) => key.startsWith(`kept:${who}:${form}`)).forEach((key) => sessionStorage.removeItem(key));
}
document.querySelector("form[data-leave]")?.addEventListener("submit", () => sessionStorage.clear());
document.querySelectorAll("form[data-keep]").forEach((form) => {
  const place = `kept:${who}:${location.pathname}:${form.dataset.keep}`;
  const fields = () => [...form.elements].filter((field) => field.name && !/^(csrf|key|version|seen|event|file)$/.test(field.name)
    && !["hidden", "file", "submit"].includes(field.type));
  const kept = JSON.parse(sessionStorage.getItem(place) || "null");
  if (kept && (form.dataset.keep === "decide" || document.referrer.includes("/login"))) {
    fields().forEach((field) => {
      if (!(field.name in kept)) return;
      if (/^(radio|checkbox)$/.test(field.type)) field.checked = kept[field.name].includes(field.value);
      else if (!field.value) field.value = kept[field.name][0];
    });
  }
  form.addEventListener("input", () => {
    const values = {};
    fields().forEach((field) => {
      if (/^(radio|checkbox)$/.test(field.type) && !field.checked) return;
      (values[field.name] ||= []).push(field.value);
    });
    sessionStorage.setItem(place, JSON.stringify(values));
  });
});

// --- The facts of the chosen ground only, and of these only what the other answers ask for. ---
function chosenGround(place) {
  return place.tagName === "SELECT" ? place.value : place.querySelector("input:checked")?.value;
}

function showFacts(form) {
  const place = form.querySelector("[data-grounds]");
  if (place) form.querySelectorAll("[data-ground]").forEach((set) => {
    set.hidden = set.disabled = set.dataset.ground !== chosenGround(place);
  });
  const there = ":is([data-ground]:not([hidden]), [data-common])";
  form.querySelectorAll(`${there} [data-when]`).forEach((field) => {
    const fits = field.dataset.when.split(";").every((part) => {
      const [name, values] = part.split("=");
      const chosen = form.querySelector(`${there} [name="data.${name}"]:checked, ${there} select[name="data.${name}"]`);
      return chosen?.value ? values.split(",").includes(chosen.value) : values.split(",").includes("none");
    });
    field.hidden = !fits;
    field.querySelectorAll("input, select, textarea").forEach((input) => { input.disabled = !fits; });
  });
}

// --- The pre-check, a moment after the typing stops; an older answer never covers a newer one. ---
function startChecking(form) {
  const place = document.getElementById("check");
  let timer = 0, turn = 0;
  const ask = async () => {
    const mine = ++turn;
    const body = new FormData(form);
    if (form.elements["student.name"] && !(body.get("student.name") && body.get("student.student_number"))) return;
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body, headers: { "X-Fragment": "1" }, redirect: "error" });
      const text = await answer.text();
      if (mine === turn && answer.ok) place.innerHTML = text;
    } catch {
      // The button "check now" still works, and says what is wrong.
    } finally {
      if (mine === turn) place.removeAttribute("aria-busy");
    }
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 350); });
  form.addEventListener("change", () => { clearTimeout(timer); timer = setTimeout(ask, 50); });
  ask();
}

document.querySelectorAll("form").forEach((form) => {
  if (!form.querySelector("[data-grounds], [data-common]") && !form.dataset.check) return;
  form.addEventListener("change", () => showFacts(form), true);
  showFacts(form);
  if (form.dataset.check) startChecking(form);
});

// --- A list of names is narrowed while one is typed. ---
document.querySelectorAll("[data-filter]").forEach((field) => field.addEventListener("input", () => {
  const wanted = field.value.trim().toLowerCase();
  document.querySelectorAll(field.dataset.filter).forEach((item) => { item.hidden = !item.dataset.text.includes(wanted); });
  document.querySelectorAll("[data-filtered]").forEach((group) => {
    group.hidden = !group.querySelector(`${field.dataset.filter}:not([hidden])`);
  });
}));

// --- Countdown of a window, by the minute. ---
const english = document.documentElement.lang === "en";
const loaded = Date.now();
document.querySelectorAll("[data-hours]").forEach((place) => {
  const text = place.querySelector("span");
  setInterval(() => {
    const left = Math.max(Number(place.dataset.hours) - Math.floor((Date.now() - loaded) / 3600000), 0);
    const days = Math.floor(left / 24);
    text.textContent = english ? `${days ? `${days} days ` : ""}${left % 24} h left` : `还有 ${days ? `${days} 天 ` : ""}${left % 24} 小时`;
  }, 60000);
});

// --- The answer to what was just done is read out and seen; Enter goes on to the next one that waits. After the page is
// shown, since going to its #message takes the focus there. ---
addEventListener("pageshow", () => {
  const message = document.getElementById("message");
  (message?.querySelector("a.primary") ?? message)?.focus({ preventScroll: location.hash === "#documents" });
});
