// Placeholder until the first file stands.
import Hummingbird
