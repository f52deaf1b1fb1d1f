curl -sS -X POST "BASE_URL/pastes" \
  -H "Content-Type: application/json" \
  -d '{"title": "Hello", "content": "print('\''Hello'\'')", "language": "python"}'
