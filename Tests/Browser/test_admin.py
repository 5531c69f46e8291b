"""Forms with a file and several choices in a real browser: Django's admin and a Sinatra application behind a front with uploads."""
import json
import os
import pathlib
import sqlite3
import sys
import tempfile
import unittest

from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

from showcase import PATIENCE, ROOT, SCREENSHOTS, chromium

sys.path.insert(0, str(ROOT / "Tests" / "Gateways"))
from fronted import PYTHON, Fronted, rack, wsgi  # noqa: E402

NAME = 'a "b" %22 c;d.txt'


@unittest.skipUnless(PYTHON.exists() or "CI" in os.environ, "Tests/Gateways/prepare was not run")
class Admin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        cls.folder = tempfile.TemporaryDirectory(prefix="tempest-shelf-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.scan = pathlib.Path(cls.folder.name) / NAME
        cls.scan.write_bytes(b"scanned \xff\r\n")
        routes = [{"path": "/tags", "queue": "tags"}, {"path": "/*", "queue": "admin"}]
        cls.front = Fronted(routes, [wsgi("django_admin:app", "admin"), rack("tags.ru", "tags")], SHELF=cls.folder.name)
        cls.addClassCleanup(cls.front.close)
        cls.profile = tempfile.TemporaryDirectory(prefix="tempest-chromium-")
        cls.addClassCleanup(cls.profile.cleanup)
        cls.driver = chromium(cls.profile.name)
        cls.addClassCleanup(cls.driver.quit)

    def open(self, path):
        self.driver.get(f"http://127.0.0.1:{self.front.port}{path}")

    def named(self, name):
        return self.driver.find_element(By.NAME, name)

    def until(self, words):
        """The text of the page, once it has these words."""
        def found(driver):
            text = driver.find_element(By.TAG_NAME, "body").text
            return text if words in text else None
        try:
            return WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05, ignored_exceptions=[Exception]).until(found)
        except Exception as error:
            self.driver.save_screenshot(str(SCREENSHOTS / "admin-failure.png"))
            page = self.driver.find_element(By.TAG_NAME, "body").text
            raise AssertionError(f"{words!r} is not there\n{page}\n{''.join(self.front.log[-40:])}") from error

    def choose(self, select, count):
        for option in Select(select).options[:count]:
            option.click()

    def rows(self, query):
        with sqlite3.connect(os.path.join(self.folder.name, "shelf.sqlite")) as shelf:
            found = shelf.execute(query).fetchall()
        shelf.close()
        return found

    def add(self, title, scan):
        self.open("/admin/shelf/book/add/")
        self.named("title").send_keys(title)
        if scan:
            self.named("scan").send_keys(str(self.scan))
        self.choose(self.named("tags"), 3)
        self.named("_save").click()
        self.until("was added successfully")

    def test_django_keeps_three_tags_with_a_file_and_without_one(self):
        self.open("/admin/")
        self.until("Password")
        self.named("username").send_keys("anna")
        self.named("password").send_keys("secret")
        self.driver.find_element(By.CSS_SELECTOR, "[type=submit]").click()
        self.until("Site administration")
        self.add("With a file", True)
        self.add("Without one", False)
        self.driver.save_screenshot(str(SCREENSHOTS / "admin.png"))
        tags = "SELECT title, count(*) FROM shelf_book JOIN shelf_book_tags ON book_id = shelf_book.id GROUP BY title ORDER BY title"
        self.assertEqual(self.rows(tags), [("With a file", 3), ("Without one", 3)])
        (kept,), (none,) = self.rows("SELECT scan FROM shelf_book ORDER BY title")
        self.assertEqual(none, "")
        self.assertEqual((pathlib.Path(self.folder.name) / "media" / kept).read_bytes(), self.scan.read_bytes())

    def test_sinatra_gets_all_of_a_list(self):
        for scan in (True, False):
            self.open("/tags")
            self.named("title").send_keys("Titel ü")
            self.choose(self.named("ids[]"), 3)
            if scan:
                self.named("scan").send_keys(str(self.scan))
            self.driver.find_element(By.TAG_NAME, "button").click()
            found = json.loads(self.until('"ids"'))
            self.assertEqual((found["title"], found["ids"]), ("Titel ü", ["1", "2", "3"]))
            # The name as Rack reads what Chromium writes.
            self.assertEqual(found["scan"], ['a "b" %22 c;d.txt'.replace("%22", '"'), self.scan.read_bytes().hex()] if scan else None)


if __name__ == "__main__":
    unittest.main()
