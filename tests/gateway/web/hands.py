"""What people do with the page again and again."""

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import FileChooser, Locator, Page, expect

from tests.assistant.world import Thing
from tests.gateway.world import photo


@dataclass(frozen=True)
class Hands:
    """A user at a page."""

    page: Page
    folder: Path
    """Where their photos lie."""

    def photo(self, *things: Thing) -> Path:
        """A photo of things, as a file."""
        path = self.folder / f"photo{len(list(self.folder.iterdir()))}.png"
        path.write_bytes(photo(*things))
        return path

    def choose(self, button: str, *photos: Path) -> None:
        """Chooses files by the button of that name."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name=button, exact=True).click()
        chosen: FileChooser = chooser.value
        chosen.set_files(photos)

    @property
    def form(self) -> Locator:
        """The dialog in which something new is named."""
        return self.page.locator("#remember")

    def card(self, name: str) -> Locator:
        """A concept's card in the gallery."""
        return self.page.locator("#cards").get_by_role("link", name=name)

    def open(self, name: str) -> Locator:
        """A concept's panel, opened from the gallery."""
        self.card(name).click()
        panel = self.page.locator("#concept")
        expect(panel).to_be_visible()
        return panel

    def ask(self, text: str, *photos: Path) -> Locator:
        """Asks in the chat; the answer, once it is there."""
        self.page.get_by_role("navigation").get_by_role("link", name="Ask").click()
        if photos:
            self.choose("Photo", *photos)
            expect(self.page.locator("#attached img")).to_have_count(len(photos))
        self.page.get_by_label("Question").fill(text)
        self.page.get_by_label("Question").press("Enter")
        answer = self.page.locator(".answer").last
        expect(answer).to_have_attribute("aria-busy", "false")
        return answer

    def box(self, name: str) -> Locator:
        """The box over a photo of the chat that bears a name."""
        return self.page.locator(".found").filter(has_text=name)

    def lie_behind(self, hidden: bool) -> None:
        """Puts another tab before the page, or takes it away."""
        self.page.evaluate(
            """(hidden) => {
              Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
              document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )
