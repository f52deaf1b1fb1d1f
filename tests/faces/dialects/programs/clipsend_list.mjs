const answer = await fetch("BASE_URL/links", { headers: { "X-API-Key": "API_KEY" } });
console.log(JSON.stringify(await answer.json()));
