"""The small models that ship with Kith, the recipes that train them and their model cards."""
