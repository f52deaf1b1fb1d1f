const answer = await fetch("BASE_URL/links?page=1&per_page=20", { headers: { Authorization: "Bearer API_KEY" } });
const { data, meta } = await answer.json();
console.log(`${data.length} of ${meta.total}`);
