"""A study: several ways to train one model, at equal cost in tokens, over seeds, with what each did to the model."""
