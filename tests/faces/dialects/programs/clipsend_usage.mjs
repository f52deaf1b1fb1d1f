const answer = await fetch("BASE_URL/usage", { headers: { "X-API-Key": "API_KEY" } });
const usage = await answer.json();
console.log(`${usage.calls_this_month} of ${usage.limit}`);
