"""Resource names: `users/{user}/concepts/{concept}/views/{view}`, seen by one user."""

from kith.errors import NotFound


class Names:
    """Resource names in the memory of one user."""

    def __init__(self, user: str) -> None:
        self._user = user

    def require_own(self, parent: str) -> None:
        """Checks that `users/{user}`, or what is below it, is this user's.

        Raises:
            NotFound: It is another's, or there is no such user: nobody can tell which.
        """
        if parent.split("/")[1] not in ("me", self._user):
            raise NotFound(
                f"there is no {parent[:200]} in your memory; use users/me",
                reason="RESOURCE_NOT_FOUND",
            )

    def concept_id(self, name: str) -> str:
        """The id in the name of a concept, or of one of its views.

        Raises:
            NotFound: As `require_own`.
        """
        self.require_own(name)
        return name.split("/")[3]

    def view_id(self, name: str, concept_id: str) -> str:
        """The id in the name of a view.

        Raises:
            NotFound: As `require_own`; or it is a view of another concept than `concept_id`.
        """
        if self.concept_id(name) != concept_id:
            raise NotFound(
                f"there is no {name[:200]} in that concept; get the concept to see its views",
                reason="VIEW_NOT_FOUND",
            )
        return name.split("/")[5]

    def id_or_display_name(self, word: str) -> str:
        """What `Memory.named` takes, from a resource name or a display name.

        Raises:
            NotFound: A resource name, and not a concept's of this user.
        """
        if not word.startswith("users/"):
            return word
        if word.count("/") != 3:
            raise NotFound(
                f"there is no concept {word[:200]}; list the concepts to see which there are",
                reason="CONCEPT_NOT_FOUND",
            )
        return self.concept_id(word)

    def concept(self, concept_id: str) -> str:
        """`users/{user}/concepts/{concept}`."""
        return f"users/{self._user}/concepts/{concept_id}"

    def view(self, concept_id: str, view_id: str) -> str:
        """`users/{user}/concepts/{concept}/views/{view}`; empty without a view."""
        return f"{self.concept(concept_id)}/views/{view_id}" if view_id else ""
