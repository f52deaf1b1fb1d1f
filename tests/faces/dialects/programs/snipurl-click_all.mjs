const links = [];
for (let page = 1, pages = 1; page <= pages; page++) {
  const answer = await fetch(`BASE_URL/links?page=${page}&per_page=100`, {
    headers: { Authorization: "Bearer API_KEY" },
  });
  const { data, meta } = await answer.json();
  links.push(...data);
  pages = meta.total_pages;
}
console.log(`${links.length} links`);
