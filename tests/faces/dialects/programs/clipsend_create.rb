require "net/http"
require "json"

address = URI("BASE_URL/links")
call = Net::HTTP::Post.new(address)
call["X-API-Key"] = "API_KEY"
call["Content-Type"] = "application/json"
call.body = { content: "The door code is 4711", max_uses: 1, slug: "door-rb" }.to_json
answer = Net::HTTP.start(address.hostname, address.port, use_ssl: true) { |http| http.request(call) }
puts JSON.parse(answer.body)["link"]
