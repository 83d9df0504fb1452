"""One exception for everything that the specification refuses."""


class Refused(ValueError):
    """Spec protocol preface: "Refuse" means an error value, nothing changed, nothing lost."""


class DoesNotOpen(Refused):
    """A tag is wrong, or there is no key: the input parsed, but nothing of it may be used."""
