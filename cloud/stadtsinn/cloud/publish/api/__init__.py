"""The API as a whole: OpenAPI document, reference page, middleware."""
