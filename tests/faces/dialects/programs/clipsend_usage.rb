require "net/http"
require "json"

address = URI("BASE_URL/usage")
call = Net::HTTP::Get.new(address)
call["X-API-Key"] = "API_KEY"
answer = Net::HTTP.start(address.hostname, address.port, use_ssl: true) { |http| http.request(call) }
usage = JSON.parse(answer.body)
puts "#{usage["calls_this_month"]} of #{usage["limit"]}"
