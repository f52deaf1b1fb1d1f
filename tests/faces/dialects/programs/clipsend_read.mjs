const answer = await fetch("BASE_URL/links?slug=SLUG", { headers: { "X-API-Key": "API_KEY" } });
console.log((await answer.json()).content);
