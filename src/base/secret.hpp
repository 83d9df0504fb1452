#pragma once
#include <stt/secret.hpp>
