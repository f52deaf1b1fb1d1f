const answer = await fetch("BASE_URL/links", {
  method: "POST",
  headers: { "X-API-Key": "API_KEY", "Content-Type": "application/json" },
  body: JSON.stringify({ content: "The door code is 4711", max_uses: 1, slug: "door-mjs" }),
});
console.log((await answer.json()).link);
