package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

func main() {
	secret, _ := json.Marshal(map[string]interface{}{
		"content": "The door code is 4711", "max_uses": 1, "slug": "door-go",
	})
	call, _ := http.NewRequest("POST", "BASE_URL/links", bytes.NewReader(secret))
	call.Header.Set("X-API-Key", "API_KEY")
	call.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(call)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	fmt.Println(string(text))
}
