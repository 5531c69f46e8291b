"""The pages of examples/front in a real browser: events, frames, three languages, uploads, sessions, two applications, a route.

TEMPEST says which program is tried, SWIFT_WORKER which Swift worker. Screenshots go to .build/screenshots.
"""
import base64
import hashlib
import os
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

from showcase import PATIENCE, ROOT, SCREENSHOTS, Showcase, chromium

LANGUAGES = {"Swift", "Python", "Ruby"}


class Front(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        cls.showcase = Showcase()
        cls.addClassCleanup(cls.showcase.close)
        cls.profile = tempfile.TemporaryDirectory(prefix="tempest-chromium-")
        cls.addClassCleanup(cls.profile.cleanup)
        cls.driver = chromium(cls.profile.name)  # both begin at once
        cls.addClassCleanup(cls.driver.quit)
        cls.showcase.wait()

    @classmethod
    def tearDownClass(cls):
        """Ctrl-C, while the browser still has pages open."""
        started = cls.showcase.processes()
        assert len(started) > 8, started
        ended = cls.showcase.interrupt()
        wrong = f"run.sh ended with status {ended[0]}, left {ended[1]}, and runs {ended[2]}\n{cls.showcase.log[-3000:]}"
        assert ended == (0, [], []), wrong

    def setUp(self):
        self.driver.get_log("browser")
        self.addCleanup(self.check_console)

    def check_console(self):
        errors = [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        self.assertEqual(errors, [], "the browser's console has errors")

    # What a person does

    def open(self, path=""):
        self.driver.get(self.showcase.url + path)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def until(self, condition, what):
        """What the condition returns once it is true. Ready or not, the workers' lines come along with a failure."""
        try:
            return WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(lambda _: condition())
        except Exception as error:
            self.driver.save_screenshot(str(SCREENSHOTS / "failure.png"))
            page = self.one("body").text
            raise AssertionError(f"{what}: not within {PATIENCE} s\n{page}\n{''.join(self.showcase.lines[-40:])}") from error

    def until_text(self, selector, words):
        """The text of the first element that has these words."""
        return self.until(lambda: next((text for text in self.texts(selector) if words in text), None), f"{words!r} in {selector}")

    def texts(self, selector):
        """All at once, in the page: elements that come and go between two questions are none of this test's business."""
        return self.driver.execute_script("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)", selector)

    def shot(self, name):
        self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    # The pages

    def test_a_route_ends_at_the_browser(self):
        self.open()
        self.one("#route button").click()
        self.until_text("#route .result", "A ROUTE THROUGH THREE LANGUAGES! (5 words, the longest is languages)")
        with self.assertRaises(urllib.error.HTTPError) as refused:  # the status is the last step's too
            urllib.request.urlopen(f"{self.showcase.url}api/route?text=+", timeout=PATIENCE)
        with refused.exception as answer:
            self.assertEqual((answer.code, answer.read().decode()), (400, "?text=… is missing"))

    def test_events_come_to_the_page(self):
        self.open("events.html?channel=news")
        self.until_text("#state", "connected")
        self.until(lambda: len({text for text in self.texts("#events pre") if '"tick"' in text}) >= 3, "three ticks")
        self.shot("events")

    def test_frames_are_echoed_by_workers_of_three_languages(self):
        self.open("socket.html")
        self.one("#connect").click()
        self.until_text("#frames", "open: ws://")
        said = set()
        deadline = time.monotonic() + PATIENCE
        while said != LANGUAGES:
            self.assertLess(time.monotonic(), deadline, f"only {said} have answered\n{self.showcase.log[-3000:]}")
            before = len(self.texts("#frames")[0].splitlines())
            self.one("#message").send_keys("grüß dich", Keys.ENTER)
            lines = self.until(lambda: self.answers(before), "an answer")
            self.assertIn("-> grüß dich", lines[0])
            self.assertTrue(lines[1].endswith(": grüß dich"), lines)
            said.add(lines[1].split()[2])
        self.shot("socket")
        self.one("#close").click()
        self.until_text("#frames", "closed: 1000")

    def answers(self, before):
        lines = self.texts("#frames")[0].splitlines()[before:]
        return lines if len(lines) >= 2 else None

    def test_three_languages_answer_held_requests(self):
        self.open()
        self.until(lambda: LANGUAGES <= set(self.texts("#held td:first-child")), "three languages")
        self.assertEqual(len(set(self.texts("#held td:nth-child(3)"))), 3, "three processes")
        programs = {language: os.path.basename(os.readlink(f"/proc/{process}/exe")) for language, process
                    in zip(self.texts("#held td:first-child"), self.texts("#held td:nth-child(3)"))}
        self.assertEqual({language: program.rstrip("0123456789.") for language, program in programs.items()},
                         {"Swift": "front-worker", "Python": "python", "Ruby": "ruby"}, "it is not said by a worker of that language")
        for text in self.texts("#held td.number"):
            self.assertRegex(text, r"^\d+\.\d ms$")
        self.one('#held button[data-language="any"]').click()
        self.until(lambda: len(self.all("#held tbody tr")) == 4, "a fourth answer")

    def test_a_session_is_counted_over_reloads(self):
        counts = []
        for _ in range(3):
            self.open()
            counts.append(int(self.until_number("#visits")))
        self.assertEqual(counts, [counts[0], counts[0] + 1, counts[0] + 2])
        self.driver.delete_all_cookies()
        self.open()
        self.assertEqual(self.until_number("#visits"), "1")

    def until_number(self, selector):
        return self.until(lambda: next((text for text in self.texts(selector) if text.isdigit()), None), f"a number in {selector}")

    def test_uploads_are_read_by_the_worker_that_was_chosen(self):
        self.open()
        with tempfile.NamedTemporaryFile(suffix=".bin") as file:
            content = os.urandom(3_000_000)
            file.write(content)
            file.flush()
            self.one("#upload [type=file]").send_keys(file.name)
            for language in sorted(LANGUAGES):
                Select(self.one("#upload select")).select_by_visible_text(language)
                self.one("#upload button").click()
                text = self.until_text("#upload .result", f"{language}: ")
                self.assertIn("3,000,000 bytes", text)
                self.assertIn(hashlib.sha256(content).hexdigest() + ", as the browser has it", text)

    def test_answers_are_streamed_by_three_languages(self):
        self.open()
        self.one("#progress button").click()
        pieces = self.until_text("#progress output", "pieces")
        bars = self.driver.execute_script("return [...document.querySelectorAll('#progress progress')].map(bar => bar.value)")
        self.assertEqual(bars, [100, 100, 100])
        self.assertGreater(int(pieces.split()[0]), 6, "they came in one piece each")

    def test_what_one_page_publishes_and_says_another_hears(self):
        self.open()
        first = self.driver.current_window_handle
        self.until_text("#room .lines", "in the room")
        self.until_text("#tick", "load")
        self.driver.switch_to.new_window("tab")
        second = self.driver.current_window_handle
        self.open()
        self.until_text("#room .lines", "in the room")
        for language in sorted(LANGUAGES):
            Select(self.one("#notes select")).select_by_visible_text(language)
            self.one("#notes input").send_keys(f"<b>by {language}", Keys.ENTER)
            self.until_text("#notes .lines li", f"{language} <b>by {language}")
        self.one("#room input").send_keys("is anybody there?", Keys.ENTER)
        self.until_text("#room .lines li", "is anybody there? (by way of ")
        self.driver.switch_to.window(first)
        self.until_text("#room .lines li", "is anybody there? (by way of ")
        for language in LANGUAGES:
            self.until_text("#notes .lines li", f"{language} <b>by {language}")
        self.driver.switch_to.window(second)
        self.driver.close()
        self.driver.switch_to.window(first)

    def test_flask_and_sinatra_behind_one_front(self):
        self.driver.delete_all_cookies()
        for place, name in (("flask", "Anna & Söhne"), ("sinatra", "Ruby <b>")):
            self.open(f"{place}/")
            before = self.one("p").text
            self.assertRegex(before, r"you have seen this page \d+ times")
            self.one('[name="name"]').send_keys(name)
            self.one('[name="words"]').send_keys("schön hier", Keys.ENTER)
            self.until_text("li", f"{name}: schön hier")
            self.assertEqual(self.driver.current_url, f"{self.showcase.url}{place}/")
            visits = [int(text.split("page ")[1].split()[0]) for text in (before, self.one("p").text)]
            self.assertEqual(visits[1], visits[0] + 1, "the session is kept when its id changes at login")
            self.shot(place)
            self.one("a").click()
            self.until_text("body", "5\n4\n3\n2\n1\ngo")

    def test_the_page_is_fit_to_be_seen(self):
        """All of the page in use, light, dark and on a telephone."""
        self.open()
        self.until(lambda: LANGUAGES <= set(self.texts("#held td:first-child")), "three languages")
        for selector in ("#progress button", "#route button"):
            self.one(selector).click()
        for language, words in (("Ruby", "events come to all who follow"), ("Swift", "whoever reaches Redis may publish")):
            Select(self.one("#notes select")).select_by_visible_text(language)
            self.one("#notes input").send_keys(words, Keys.ENTER)
            self.until_text("#notes .lines li", words)
        self.one("#room input").send_keys("hello, room", Keys.ENTER)
        self.one("#upload [type=file]").send_keys(str(ROOT / "protocol" / "http.md"))
        self.one("#upload button").click()
        self.until_text("#upload .result", "as the browser has it")
        self.until_text("#room .lines li", "hello, room")
        self.until_text("#route .result", "the longest is languages")
        self.until_text("#progress output", "pieces")
        self.driver.execute_script("document.activeElement.blur()")
        for name, width, scheme in (("index", 1280, "light"), ("index-dark", 1280, "dark"), ("index-phone", 390, "light")):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            self.size(width, 800)
            root = "document.documentElement"
            wide, high = self.driver.execute_script(f"return [{root}.scrollWidth, {root}.scrollHeight]")
            self.assertEqual(wide, width, "the page is wider than the window")
            self.size(width, high)
            self.shot(name)
            if name == "index":
                self.picture(width, high)
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    def picture(self, width, height):
        """The page in a size that fits into a README: .build/screenshots/front.png."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 0.55}
        found = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "clip": clip})
        content = base64.b64decode(found["data"])
        self.assertLess(len(content), 150_000)
        (SCREENSHOTS / "front.png").write_bytes(content)

    def size(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


class Mistakes(unittest.TestCase):
    def test_it_says_what_is_missing(self):
        found = subprocess.run([str(ROOT / "examples" / "front" / "run.sh")], capture_output=True, text=True, timeout=30,
                               env={**os.environ, "TEMPEST": "/nowhere/tempest"})
        self.assertEqual(found.returncode, 1)
        self.assertIn("there is no program /nowhere/tempest: run `make build`", found.stderr)


if __name__ == "__main__":
    unittest.main()
