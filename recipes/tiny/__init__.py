"""The recipe of the default adapter and router: data, training and evaluation small enough for two CPU cores."""
