"""Labels a corpus with the errors of the base model, and selects rows by them."""
