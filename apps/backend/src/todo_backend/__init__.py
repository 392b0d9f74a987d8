"""REST API and chat of the Todo Chatbot."""
