import Metrics
import Tracing
import ServiceLifecycle
