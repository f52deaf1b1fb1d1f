"use strict";
(() => {
  const form = document.querySelector("form");
  const button = form.querySelector("button");
  const problem = document.getElementById("problem");
  const read = (text) =>
    Uint8Array.from(atob(text.trim().replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const complain = (sentence) => {
    problem.textContent = sentence;
    problem.hidden = false;
  };
  // What is in the fragment is never sent to any server.
  const readKey = () => {
    try {
      const key = read(location.hash.slice(1));
      return key.length === 32 ? key : null;
    } catch {
      return null;
    }
  };
  const decrypt = async (text) => {
    const key = await crypto.subtle.importKey("raw", readKey(), "AES-GCM", false, ["decrypt"]);
    const bytes = read(text);
    const clear = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes.slice(0, 12) }, key, bytes.slice(12));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(clear);
  };
  const show = async (html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const content = page.querySelector("pre");
    if (content) {
      const notice = page.getElementById("encrypted");
      try {
        content.textContent = await decrypt(content.textContent);
        notice.remove();
      } catch {
        notice.textContent = form.dataset.garbled;
      }
    }
    document.title = page.title;
    const shown = document.adoptNode(page.querySelector("main"));
    document.querySelector("main").replaceWith(shown);
    const again = shown.querySelector("form");
    if (again) {
      // A wrong passphrase: the browser itself would ask for this page anew, and with it for this script.
      again.addEventListener("submit", submit);
    }
    const heading = shown.querySelector("h1");
    heading.tabIndex = -1;
    heading.focus();
  };
  const submit = async (event) => {
    event.preventDefault();
    const sent = event.target;
    const pressed = sent.querySelector("button");
    pressed.disabled = true;
    try {
      const body = new URLSearchParams(new FormData(sent));
      const answer = await fetch(sent.action, { method: "POST", body, cache: "no-store" });
      await show(await answer.text());
    } catch {
      complain(form.dataset.away);
      pressed.disabled = false;
    }
  };
  const check = () => {
    const sentence = !window.crypto?.subtle ? form.dataset.insecure : readKey() ? "" : form.dataset.incomplete;
    // Nothing may be used up that could not be read.
    button.disabled = sentence !== "";
    problem.hidden = sentence === "" || problem.hidden;
    if (sentence) complain(sentence);
  };
  form.addEventListener("submit", submit);
  window.addEventListener("hashchange", check);
  check();
})();
