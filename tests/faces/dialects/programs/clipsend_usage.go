package main

import (
	"fmt"
	"io"
	"net/http"
)

func main() {
	call, _ := http.NewRequest("GET", "BASE_URL/usage", nil)
	call.Header.Set("X-API-Key", "API_KEY")
	answer, err := http.DefaultClient.Do(call)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	fmt.Println(string(text))
}
