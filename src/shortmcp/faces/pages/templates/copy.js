
(() => {
  const button = document.getElementById("copy");
  const status = document.getElementById("copied");
  const words = button.textContent;
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    // On the page every line ends with a break, the last one too.
    const text = document.getElementById("text").textContent.slice(0, -1);
    let said = button.dataset.done;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      said = button.dataset.failed;
    }
    button.textContent = status.textContent = said;
    setTimeout(() => {
      button.textContent = words;
      status.textContent = "";
    }, 3000);
  });
})();
