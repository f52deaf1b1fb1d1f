"use strict";
(() => {
  const form = document.querySelector("form");
  const said = { ...form.dataset };
  const read = (text) =>
    Uint8Array.from(atob(text.trim().replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  // What stands in the fragment is sent to no server.
  const readKey = () => {
    try {
      const key = read(location.hash.slice(1));
      return key.length === 32 ? key : null;
    } catch {
      return null;
    }
  };
  const complain = (sentence) => {
    const problem = document.getElementById("problem");
    problem.textContent = sentence;
    problem.hidden = false;
  };
  const decrypt = async (text) => {
    const key = await crypto.subtle.importKey("raw", readKey(), "AES-GCM", false, ["decrypt"]);
    const bytes = read(text);
    const clear = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes.slice(0, 12) }, key, bytes.slice(12));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(clear);
  };
  const unseal = async (content, notice) => {
    try {
      content.textContent = await decrypt(content.textContent);
      notice.remove();
    } catch {
      notice.textContent = said.garbled;
    }
  };
  const show = async (html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const content = page.querySelector("pre");
    if (content) await unseal(content, page.getElementById("encrypted"));
    const main = document.adoptNode(page.querySelector("main"));
    document.querySelector("main").replaceWith(main);
    document.title = page.title;
    const again = main.querySelector("form");
    if (again) again.addEventListener("submit", send);
    const first = main.querySelector("input") ?? main.querySelector("h1");
    if (!again) first.tabIndex = -1;
    first.focus();
  };
  const send = async (event) => {
    event.preventDefault();
    const button = event.target.querySelector("button");
    const body = new URLSearchParams(new FormData(event.target));
    button.disabled = true;
    try {
      const answer = await fetch(event.target.action, { method: "POST", body, cache: "no-store" });
      await show(await answer.text());
    } catch {
      complain(said.away);
      button.disabled = false;
    }
  };
  // Nothing may be used up that could not be read.
  const check = () => {
    const sentence = !window.crypto.subtle ? said.insecure : readKey() ? "" : said.incomplete;
    const button = document.querySelector("form button");
    if (button) button.disabled = sentence !== "";
    if (button && sentence) complain(sentence);
    else if (button && !form.querySelector("[aria-invalid]")) document.getElementById("problem").hidden = true;
  };
  form.addEventListener("submit", send);
  window.addEventListener("hashchange", check);
  check();
})();
