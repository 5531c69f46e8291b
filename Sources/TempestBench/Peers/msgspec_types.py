"""The types of the built-in payloads for msgspec, as a Python program would write them: the fields of Sources/TempestBench/Samples.

python_peer.py takes the one that a request names. Without `gc`, which msgspec advises for types that hold no cycles: its fastest.
"""

from typing import Dict, List, Optional

import msgspec


class Address(msgspec.Struct, gc=False):
    street: str
    city: str
    country: str


class JobArguments(msgspec.Struct, gc=False):
    id: int
    name: str
    n: List[int]
    nested: Address


class Record(msgspec.Struct, gc=False):
    id: int
    name: str
    email: str
    active: bool
    score: float
    created: str
    tags: List[str]
    note: str


class Article(msgspec.Struct, gc=False):
    language: str
    title: str
    body: str


class TextSample(msgspec.Struct, gc=False):
    articles: List[Article]


class Series(msgspec.Struct, gc=False):
    start: int
    step: float
    points: List[float]


class NumberSample(msgspec.Struct, gc=False):
    integers: List[int]
    series: List[Series]


class TreeNode(msgspec.Struct, gc=False):
    id: int
    name: str
    open: bool
    children: List["TreeNode"]


class Tag(msgspec.Struct, gc=False):
    text: str
    indices: List[int]


class Link(msgspec.Struct, gc=False, rename={"expanded": "expanded_url", "shown": "display_url"}):
    url: str
    expanded: str
    shown: str
    indices: List[int]


class Mention(msgspec.Struct, gc=False, rename={"id_text": "id_str"}):
    id: int
    id_text: str
    name: str
    screen_name: str
    indices: List[int]


class Entities(msgspec.Struct, gc=False, rename={"links": "urls", "mentions": "user_mentions"}):
    hashtags: List[Tag]
    links: List[Link]
    mentions: List[Mention]


USER_NAMES = {
    "id_text": "id_str",
    "about": "description",
    "is_protected": "protected",
    "followers": "followers_count",
    "friends": "friends_count",
    "listed": "listed_count",
    "created": "created_at",
    "favourites": "favourites_count",
    "offset": "utc_offset",
    "zone": "time_zone",
    "posts": "statuses_count",
    "language": "lang",
    "background": "profile_background_image_url",
    "image": "profile_image_url",
    "link_color": "profile_link_color",
}


class User(msgspec.Struct, gc=False, rename=USER_NAMES):
    id: int
    id_text: str
    name: str
    screen_name: str
    location: str
    about: str
    url: Optional[str]
    is_protected: bool
    followers: int
    friends: int
    listed: int
    created: str
    favourites: int
    offset: Optional[int]
    zone: Optional[str]
    verified: bool
    posts: int
    language: str
    background: str
    image: str
    link_color: str
    following: bool
    notifications: bool


POST_NAMES = {
    "created": "created_at",
    "id_text": "id_str",
    "reply_to": "in_reply_to_status_id",
    "reply_to_name": "in_reply_to_screen_name",
    "retweets": "retweet_count",
    "favourites": "favorite_count",
    "sensitive": "possibly_sensitive",
    "language": "lang",
}


class Post(msgspec.Struct, gc=False, rename=POST_NAMES):
    created: str
    id: int
    id_text: str
    text: str
    source: str
    truncated: bool
    reply_to: Optional[int]
    reply_to_name: Optional[str]
    user: User
    place: Optional[str]
    retweets: int
    favourites: int
    entities: Entities
    favorited: bool
    retweeted: bool
    sensitive: Optional[bool]
    language: str


class PostPage(msgspec.Struct, gc=False):
    statuses: List[Post]
    count: int
    query: str


class Event(msgspec.Struct, gc=False, rename="camel"):
    description: Optional[str]
    id: int
    logo: Optional[str]
    name: str
    sub_topic_ids: List[int]
    subject_code: Optional[str]
    subtitle: Optional[str]
    topic_ids: List[int]


class Price(msgspec.Struct, gc=False, rename="camel"):
    amount: int
    audience_sub_category_id: int
    seat_category_id: int


class Area(msgspec.Struct, gc=False, rename="camel"):
    area_id: int
    block_ids: List[int]


class SeatCategory(msgspec.Struct, gc=False, rename="camel"):
    areas: List[Area]
    seat_category_id: int


class Performance(msgspec.Struct, gc=False, rename="camel"):
    event_id: int
    id: int
    logo: Optional[str]
    name: Optional[str]
    prices: List[Price]
    seat_categories: List[SeatCategory]
    seat_map_image: Optional[str]
    start: int
    venue_code: str


class Catalogue(msgspec.Struct, gc=False, rename="camel"):
    area_names: Dict[str, str]
    events: Dict[str, Event]
    performances: List[Performance]
    topic_names: Dict[str, str]
    venue_names: Dict[str, str]


class Geometry(msgspec.Struct, gc=False):
    type: str
    coordinates: List[List[List[float]]]


class Feature(msgspec.Struct, gc=False):
    type: str
    properties: Dict[str, str]
    geometry: Geometry


class Coordinates(msgspec.Struct, gc=False):
    type: str
    features: List[Feature]


class Repository(msgspec.Struct, gc=False):
    type: str
    url: str


class Manifest(msgspec.Struct, gc=False, rename={"dev_dependencies": "devDependencies", "is_private": "private"}):
    name: str
    version: str
    description: str
    keywords: List[str]
    license: str
    homepage: str
    repository: Repository
    main: str
    files: List[str]
    scripts: Dict[str, str]
    dependencies: Dict[str, str]
    dev_dependencies: Dict[str, str]
    engines: Dict[str, str]
    is_private: bool


# By the payload's name.
TYPES = {
    "job": JobArguments,
    "records": List[Record],
    "text": TextSample,
    "numbers": NumberSample,
    "nested": TreeNode,
    "posts": PostPage,
    "catalogue": Catalogue,
    "coordinates": Coordinates,
    "manifest": Manifest,
}
